import numpy as np

from fury import actor, window

scene = window.Scene()
t = np.linspace(0, 10, 100)
wave = np.column_stack([t, np.sin(t), np.zeros(100)])
lines = [wave, wave + [0, 3, 0]]
scene.add(actor.streamtube(lines, colors=np.array([[1, 0.5, 0], [0, 0, 1]]), radius=0.3))
window.ShowManager(scene=scene, size=(600, 600)).start()
