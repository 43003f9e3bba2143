import numpy as np

from fury import actor, window

scene = window.Scene()
cube = actor.box(np.zeros((1, 3)), colors=(1, 0.5, 0))
scene.add(cube)
show_manager = window.ShowManager(scene=scene)


def turn():
    cube.rotate((0, 2, 0))
    show_manager.render()


show_manager.register_callback(turn, 1 / 30, True, "turn")
show_manager.start()
