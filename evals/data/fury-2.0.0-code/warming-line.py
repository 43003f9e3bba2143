import numpy as np

from fury import actor, window

scene = window.Scene()
t = np.linspace(0, 10, 200)
wave = np.column_stack([t, np.sin(t), np.zeros(200)]).astype(np.float32)
colors = np.column_stack([t / 10, np.zeros(200), 1 - t / 10])
scene.add(actor.line([wave], colors=colors))
window.ShowManager(scene=scene, size=(600, 600)).start()
