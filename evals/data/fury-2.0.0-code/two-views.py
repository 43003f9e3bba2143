import numpy as np

from fury import actor, window

left, right = window.Scene(), window.Scene()
left.add(actor.sphere(np.zeros((1, 3))))
right.add(actor.box(np.zeros((1, 3))))
window.ShowManager(scene=[left, right], screen_config=[1, 1], size=(800, 400)).start()
