from fury import ui, window

scene = window.Scene()
scene.add(ui.Rectangle2D(size=(200, 100), position=(50, 50), color=(1, 0, 0)))
scene.add(ui.Disk2D(60, center=(400, 300), color=(0, 1, 0)))
window.ShowManager(scene=scene, size=(600, 600)).start()
