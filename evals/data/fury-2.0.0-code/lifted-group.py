import numpy as np

from fury import actor, window

scene = window.Scene()
group = actor.Group()
for x in (-2, 0, 2):
    group.add(actor.box(np.array([[x, 0, 0]])))
group.local.position = (0, 5, 0)
scene.add(group)
window.ShowManager(scene=scene, size=(600, 600)).start()
