import numpy as np

from fury import actor, window

scene = window.Scene()
x, y = np.meshgrid(np.arange(10), np.arange(10))
centers = np.column_stack([x.ravel(), y.ravel(), np.zeros(100)])
colors = np.column_stack([x.ravel() / 9, np.zeros(100), 1 - x.ravel() / 9])
scene.add(actor.box(centers, colors=colors, scales=(0.8, 0.8, 0.8)))
window.ShowManager(scene=scene, size=(600, 600)).start()
