import numpy as np

from fury import actor, window
from fury.motion import Animation

scene = window.Scene()
animation = Animation(actors=actor.box(np.zeros((1, 3)), colors=(0, 0, 1)))
for second, color in [(0, (0, 0, 1)), (2, (1, 0, 0)), (4, (0, 0, 1))]:
    animation.set_color(second, color)
show_manager = window.ShowManager(scene=scene, size=(600, 600))
show_manager.add_animation(animation)
show_manager.start()
