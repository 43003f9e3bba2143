import numpy as np

from fury import actor, window

scene = window.Scene()
centers = np.array([[x, y, 0] for x in (-3, 3) for y in (-3, 3)])
scene.add(actor.tetrahedron(centers, colors=(1, 0.5, 0)))
window.ShowManager(scene=scene, size=(600, 600)).start()
