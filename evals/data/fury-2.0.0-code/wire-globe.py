import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.sphere(np.zeros((1, 3)), radii=5, impostor=False, wireframe=True, colors=(0, 1, 0)))
window.ShowManager(scene=scene, size=(600, 600)).start()
