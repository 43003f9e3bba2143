import numpy as np

from fury import actor, window

scene = window.Scene()
stays, moved = (actor.cone(np.zeros((1, 3)), colors=color) for color in [(1, 0, 0), (0, 1, 0)])
moved.translate((5, 0, 0))
scene.add(stays, moved)
window.ShowManager(scene=scene, size=(600, 600)).start()
