import numpy as np

from fury import actor, window

scene = window.Scene()
centers = np.array([[0, 0, 0], [4, 0, 0], [0, 4, 0], [4, 4, 0]], dtype=float)
scene.add(actor.sphere(centers, radii=0.3))
scene.add(actor.text(["A", "B", "C", "D"], position=[tuple(center + [0.7, 0, 0]) for center in centers], font_size=0.8))
window.ShowManager(scene=scene, size=(600, 600)).start()
