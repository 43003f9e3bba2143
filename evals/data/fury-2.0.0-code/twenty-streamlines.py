import numpy as np

from fury import actor, window

scene = window.Scene()
rng = np.random.default_rng(0)
lines = [rng.normal(size=(50, 3)).cumsum(axis=0).astype("float32") for _ in range(20)]
scene.add(actor.streamlines(lines, colors=(1, 0.5, 0), thickness=5))
window.ShowManager(scene=scene, size=(600, 600)).start()
