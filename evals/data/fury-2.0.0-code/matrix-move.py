import numpy as np

from fury import actor, window

scene = window.Scene()
solid = actor.icosahedron(np.zeros((1, 3)), colors=(0, 1, 1))
matrix = np.eye(4)
matrix[:3, 3] = 1, 2, 3
solid.transform(matrix)
scene.add(solid, actor.box(np.zeros((1, 3))))
window.ShowManager(scene=scene, size=(600, 600)).start()
