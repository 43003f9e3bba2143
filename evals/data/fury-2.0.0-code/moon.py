import numpy as np

from fury import actor, window

scene = window.Scene()
planet = actor.sphere(np.zeros((1, 3)), colors=(0, 0, 1), radii=2)
moon = actor.sphere(np.zeros((1, 3)), colors=(0.6, 0.6, 0.6), radii=0.5)
moon.local.position = (5, 0, 0)
scene.add(planet, moon)
show_manager = window.ShowManager(scene=scene)
angle = 0.0


def circle():
    global angle
    angle += 0.05
    moon.local.position = (5 * np.cos(angle), 5 * np.sin(angle), 0)
    show_manager.render()


show_manager.register_callback(circle, 1 / 30, True, "circle")
show_manager.start()
