import numpy as np

from fury import actor, window

scene = window.Scene()
t = np.linspace(0, 6 * np.pi, 300)
scene.add(actor.line([np.column_stack([np.cos(t), np.sin(t), t / (2 * np.pi)])], colors=(0, 1, 1)))
window.ShowManager(scene=scene, size=(600, 600)).start()
