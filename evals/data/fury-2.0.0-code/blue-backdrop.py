import numpy as np

from fury import actor, window

scene = window.Scene()
scene = window.Scene(background=(0, 0, 0.4, 1))
scene.add(actor.pentagonalprism(np.zeros((1, 3)), colors=(1, 0.5, 0)))
window.ShowManager(scene=scene, size=(600, 600)).start()
