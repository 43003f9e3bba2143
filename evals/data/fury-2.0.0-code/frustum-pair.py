import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.frustum(np.array([[-2, 0, 0]]), colors=(1, 1, 0)))
scene.add(actor.rhombicuboctahedron(np.array([[2, 0, 0]]), colors=(0, 1, 1)))
window.ShowManager(scene=scene, size=(600, 600)).start()
