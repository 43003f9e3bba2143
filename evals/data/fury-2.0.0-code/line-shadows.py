import numpy as np

from fury import actor, window

scene = window.Scene()
lines = [np.array([[i, 0, 1], [i + 3, 4, 5]], dtype=np.float32) for i in range(3)]
scene.add(actor.streamlines(lines, colors=(1, 0, 0), thickness=4))
scene.add(actor.line_projection(lines, plane="XY", colors=(0, 0, 1), thickness=4))
window.ShowManager(scene=scene, size=(600, 600)).start()
