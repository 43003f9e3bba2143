import numpy as np

from fury import actor, ui, window

scene = window.Scene()
scene.add(actor.box(np.zeros((1, 3))))
scene.add(ui.TextBlock2D(text="My scene", font_size=30, position=(20, 20), dynamic_bbox=True))
window.ShowManager(scene=scene, size=(600, 600)).start()
