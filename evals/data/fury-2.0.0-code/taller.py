import numpy as np

from fury import actor, window

scene = window.Scene()
column = actor.cylinder(np.zeros((1, 3)), radii=1, height=2, directions=(0, 1, 0), colors=(1, 0.5, 0))
column.scale((1, 2, 1))
scene.add(column)
window.ShowManager(scene=scene, size=(600, 600)).start()
