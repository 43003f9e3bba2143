from fury import actor, window

scene = window.Scene()
scene.add(actor.text("Hello FURY", colors=(1, 1, 0), font_size=2))
window.ShowManager(scene=scene, size=(600, 600)).start()
