import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.tetrahedron(np.array([[-3, 0, 0]]), colors=(1, 0, 0)))
scene.add(actor.icosahedron(np.array([[0, 0, 0]]), colors=(0, 1, 0)))
scene.add(actor.octagonalprism(np.array([[3, 0, 0]]), colors=(0, 0, 1)))
window.ShowManager(scene=scene, size=(600, 600)).start()
