import numpy as np

from fury import actor, window

scene = window.Scene()
cube = actor.box(np.zeros((1, 3)))
cube.scale(3)
scene.add(cube)
window.ShowManager(scene=scene, size=(600, 600)).start()
