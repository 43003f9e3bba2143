import numpy as np

from fury import actor, window

n = 60
x, y = (grid.ravel() for grid in np.meshgrid(np.linspace(-4, 4, n), np.linspace(-4, 4, n)))
distance = np.hypot(x, y)
corner = np.arange(n * n).reshape(n, n)[:-1, :-1].ravel()
faces = np.concatenate([
    np.column_stack([corner, corner + 1, corner + n]),
    np.column_stack([corner + 1, corner + n + 1, corner + n]),
])
scene = window.Scene()
sheet = actor.surface(np.column_stack([x, y, 0.3 * np.cos(4 * distance)]), faces, colors=(0.2, 0.5, 1))
scene.add(sheet)
show_manager = window.ShowManager(scene=scene, size=(600, 600))
time = 0.0


def ripple():
    global time
    time += 0.1
    sheet.geometry.positions.data[:, 2] = 0.3 * np.cos(4 * distance - time)
    sheet.geometry.positions.update_full()
    show_manager.render()


show_manager.register_callback(ripple, 1 / 30, True, "ripple")
show_manager.start()
