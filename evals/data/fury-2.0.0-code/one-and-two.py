import numpy as np

from fury import actor, window

scenes = []
for color in [(1, 0, 0), (0, 1, 0), (0, 0, 1)]:
    scene = window.Scene()
    scene.add(actor.sphere(np.zeros((1, 3)), colors=color))
    scenes.append(scene)
window.ShowManager(scene=scenes, screen_config=[1, 2], size=(600, 600)).start()
