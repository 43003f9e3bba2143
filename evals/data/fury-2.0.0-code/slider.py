import numpy as np

from fury import actor, ui, window

scene = window.Scene()
scene.add(actor.sphere(np.zeros((1, 3))))
scene.add(ui.LineSlider2D(position=(150, 520), initial_value=5, min_value=0, max_value=10, length=300))
window.ShowManager(scene=scene, size=(600, 600)).start()
