import numpy as np

from fury import actor, window

scene = window.Scene()
field = np.moveaxis(np.indices((15, 15, 15)) - 7.0, 0, -1)
field /= np.maximum(np.linalg.norm(field, axis=-1, keepdims=True), 1)
scene.add(actor.vector_field_slicer(field, cross_section=(7, 7, 7), actor_type="line", thickness=3))
window.ShowManager(scene=scene, size=(600, 600)).start()
