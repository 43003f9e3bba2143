import numpy as np

from fury import actor, window

scene = window.Scene()
cone = actor.cone(np.array([[2, 0, 0]]))
cube = actor.box(np.array([[-2, 0, 0]]), colors=(0, 1, 1))
scene.add(cone, cube)
cone.visible = False
window.ShowManager(scene=scene, size=(600, 600)).start()
