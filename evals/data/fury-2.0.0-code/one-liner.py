import numpy as np

from fury import actor, window

window.show(actor.cylinder(np.zeros((1, 3))))
