from fury import ui, window

scene = window.Scene()
panel = ui.Panel2D(size=(300, 200), position=(50, 50), color=(0.2, 0.2, 0.6))
panel.add_element(ui.TextBlock2D(text="first", dynamic_bbox=True), (0.1, 0.2))
panel.add_element(ui.TextBlock2D(text="second", dynamic_bbox=True), (0.1, 0.6))
scene.add(panel)
window.ShowManager(scene=scene, size=(600, 600)).start()
