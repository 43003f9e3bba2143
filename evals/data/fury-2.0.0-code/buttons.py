from fury import ui, window

scene = window.Scene()
scene.add(ui.TextButton2D("Start", position=(100, 100)))
scene.add(ui.TextButton2D("Stop", position=(250, 100)))
window.ShowManager(scene=scene, size=(600, 600)).start()
