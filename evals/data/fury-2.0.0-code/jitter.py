import numpy as np

from fury import actor, window

rng = np.random.default_rng(0)
scene = window.Scene()
points = actor.point(rng.uniform(-5, 5, (100, 3)), size=8)
scene.add(points)
show_manager = window.ShowManager(scene=scene)


def jitter():
    points.geometry.positions.data[:] += rng.normal(scale=0.05, size=(100, 3)).astype("float32")
    points.geometry.positions.update_full()
    show_manager.render()


show_manager.register_callback(jitter, 1 / 30, True, "jitter")
show_manager.start()
