import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.star(np.array([[-3, 0, 0]]), colors=(1, 1, 0)))
scene.add(actor.disk(np.array([[0, 0, 0]]), colors=(1, 0, 0)))
scene.add(actor.square(np.array([[3, 0, 0]]), colors=(0, 0, 1)))
window.ShowManager(scene=scene, size=(600, 600)).start()
