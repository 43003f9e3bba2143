import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.disk(np.array([[0, 0, 0], [0.5, 0, 0.1]]), colors=np.array([[1, 0, 0], [0, 0, 1]]), opacity=0.5))
window.ShowManager(scene=scene, size=(600, 600)).start()
