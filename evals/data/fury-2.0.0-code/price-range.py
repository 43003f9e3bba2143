from fury import ui, window

scene = window.Scene()
scene.add(
    ui.LineDoubleSlider2D(position=(100, 300), initial_values=(100, 300), min_value=0, max_value=500, length=400)
)
window.ShowManager(scene=scene, size=(600, 600)).start()
