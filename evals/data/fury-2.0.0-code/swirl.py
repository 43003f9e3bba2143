import numpy as np

from fury import actor, window

scene = window.Scene()
x, y, z = np.indices((10, 10, 5)) - 4.5
field = np.stack([-y, x, np.zeros_like(x)], axis=-1) / 6
scene.add(actor.vector_field(field, actor_type="arrow", scales=0.8, thickness=5))
window.ShowManager(scene=scene, size=(600, 600)).start()
