import numpy as np

from fury import actor, window

scene = window.Scene()
n, m = 48, 24
u, v = np.meshgrid(np.arange(n) * 2 * np.pi / n, np.arange(m) * 2 * np.pi / m, indexing="ij")
away = 3 + np.cos(v)
vertices = np.column_stack([(away * np.cos(u)).ravel(), (away * np.sin(u)).ravel(), np.sin(v).ravel()])
i, j = (index.ravel() for index in np.indices((n, m)))
a, b, c, d = (k % n * m + l % m for k, l in [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)])
faces = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
scene.add(actor.surface(vertices, faces, colors=(1, 0.5, 0)))
window.ShowManager(scene=scene, size=(600, 600)).start()
