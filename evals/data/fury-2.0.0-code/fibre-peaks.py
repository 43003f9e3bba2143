import numpy as np

from fury import actor, window

scene = window.Scene()
peaks = np.random.default_rng(0).normal(size=(6, 6, 6, 2, 3))
peaks /= np.linalg.norm(peaks, axis=-1, keepdims=True)
scene.add(actor.peaks_slicer(peaks, actor_type="line", thickness=3))
window.ShowManager(scene=scene, size=(600, 600)).start()
