import numpy as np

from fury import actor, window

scene = window.Scene()
x, y, z = np.indices((40, 40, 40)) - 20
volume = (x**2 + y**2 + z**2 < 15**2).astype(np.uint8)
scene.add(actor.contour_from_volume(volume, color=(1, 0, 0), opacity=0.5))
window.ShowManager(scene=scene, size=(600, 600)).start()
