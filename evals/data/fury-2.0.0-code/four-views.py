import numpy as np

from fury import actor, window

scenes = []
for make in (actor.box, actor.cone, actor.cylinder, actor.star):
    scene = window.Scene()
    scene.add(make(np.zeros((1, 3)), colors=(1, 0.5, 0)))
    scenes.append(scene)
window.ShowManager(scene=scenes, screen_config=[2, 2], size=(600, 600)).start()
