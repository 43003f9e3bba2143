from fury import ui, window

scene = window.Scene()
cities = ["Oslo", "Lima", "Cairo", "Delhi", "Quito"]
scene.add(ui.ListBox2D(cities, position=(100, 100), size=(200, 300), multiselection=False))
window.ShowManager(scene=scene, size=(600, 600)).start()
