import numpy as np

from fury import actor, window

scene = window.Scene()
angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
centers = np.column_stack([4 * np.cos(angles), 4 * np.sin(angles), np.zeros(8)])
scene.add(actor.cone(centers, colors=(1, 0.5, 0)))
window.ShowManager(scene=scene, size=(600, 600)).start()
