import numpy as np

from fury import actor, window
from fury.motion import Animation

scene = window.Scene()
scene.add(actor.sphere(np.array([[-5, 0, 0], [0, 0, 0], [5, 0, 0]]), radii=0.5))
box = actor.box(np.zeros((1, 3)), colors=(0, 1, 0))
animation = Animation(actors=box)
animation.set_position(0, np.array([-5, 2, 0]))
animation.set_position(3, np.array([5, 2, 0]))
show_manager = window.ShowManager(scene=scene)
show_manager.add_animation(animation)
show_manager.start()
