import numpy as np

from fury import actor, window

scene = window.Scene()
atoms = np.array([[0, 0, 0], [1.5, 1, 0], [-1.5, 1, 0]])
scene.add(actor.sphere(atoms, colors=np.array([[1.0, 0, 0], [1, 1, 1], [1, 1, 1]]), radii=np.array([0.7, 0.4, 0.4])))
sticks = [np.array([atoms[0], atoms[i]], dtype=np.float32) for i in (1, 2)]
scene.add(actor.streamtube(sticks, radius=0.1, colors=(0.7, 0.7, 0.7)))
window.ShowManager(scene=scene, size=(600, 600)).start()
