from fury import ui, window

scene = window.Scene()
tabs = ui.TabUI(position=(100, 100), size=(400, 300), tab_titles=["Data", "Settings"], startup_tab_id=0)
tabs.add_element(0, ui.TextBlock2D(text="No data yet", dynamic_bbox=True), (0.1, 0.2))
tabs.add_element(1, ui.TextBlock2D(text="Nothing to set", dynamic_bbox=True), (0.1, 0.2))
scene.add(tabs)
window.ShowManager(scene=scene, size=(600, 600)).start()
