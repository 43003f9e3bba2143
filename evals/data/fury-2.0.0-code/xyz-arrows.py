import numpy as np

from fury import actor, window

scene = window.Scene()
directions = np.eye(3)
scene.add(actor.arrow(np.zeros((3, 3)), directions=directions, colors=np.eye(3)))
window.ShowManager(scene=scene, size=(600, 600)).start()
