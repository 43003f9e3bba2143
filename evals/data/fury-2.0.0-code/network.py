import numpy as np

from fury import actor, window

scene = window.Scene()
angles = np.linspace(0, 2 * np.pi, 6, endpoint=False)
nodes = np.column_stack([3 * np.cos(angles), 3 * np.sin(angles), np.zeros(6)]).astype(np.float32)
scene.add(actor.sphere(nodes, radii=0.4, colors=(1, 0.5, 0)))
edges = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0), (0, 3)]
scene.add(actor.line([nodes[[a, b]] for a, b in edges], colors=(1, 1, 1)))
window.ShowManager(scene=scene, size=(600, 600)).start()
