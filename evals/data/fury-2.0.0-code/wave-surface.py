import numpy as np

from fury import actor, window

scene = window.Scene()
from fury.colormap import create_colormap

n = 40
x, y = np.meshgrid(np.linspace(-4, 4, n), np.linspace(-4, 4, n))
z = np.sin(x) * np.cos(y)
vertices = np.column_stack([x.ravel(), y.ravel(), z.ravel()]).astype("float32")
corner = np.arange(n * n).reshape(n, n)[:-1, :-1].ravel()
faces = np.concatenate([
    np.column_stack([corner, corner + 1, corner + n]),
    np.column_stack([corner + 1, corner + n + 1, corner + n]),
]).astype("int32")
scene.add(actor.surface(vertices, faces, colors=create_colormap(z.ravel(), name="blues").astype("float32")))
window.ShowManager(scene=scene, size=(600, 600)).start()
