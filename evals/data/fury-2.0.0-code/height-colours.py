import numpy as np

from fury import actor, window

scene = window.Scene()
from fury.colormap import create_colormap

points = np.random.default_rng(0).uniform(-5, 5, (1000, 3))
scene.add(actor.point(points, colors=create_colormap(points[:, 2], name="blues"), size=6))
window.ShowManager(scene=scene, size=(600, 600)).start()
