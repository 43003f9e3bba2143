import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.box(np.array([[-2, 0, 0], [2, 0, 0], [0, -2, 0], [0, 2, 0]])))
show_manager = window.ShowManager(scene=scene)
camera = show_manager.screens[0].camera
angle = 0.0


def ride():
    global angle
    angle += 0.02
    camera.local.position = (12 * np.sin(angle), 3, 12 * np.cos(angle))
    camera.look_at((0, 0, 0))
    show_manager.render()


show_manager.register_callback(ride, 1 / 30, True, "ride")
show_manager.start()
