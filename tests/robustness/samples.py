"""Whole inputs that a case damages: small ones of every kind that rtwin reads."""

import json
from typing import Any

RECIPE = """title = "A yard"
frequency_hz = 3.5e9
bandwidth_hz = 20e6
seed = 1
[geometry]
ground = ["ground"]
[georeference]
epsg = 32632
origin_easting_m = 691000.0
origin_northing_m = 5334000.0
origin_height_m = 500.0
origin_lat_deg = 48.13
origin_lon_deg = 11.57
[[object]]
name = "ground"
material = "concrete"
shape = "plane"
center_m = [0, 0, 0]
size_m = [80, 80]
[[object]]
name = "house"
material = "brick"
shape = "extrude"
footprint = [[10, 5], [25, 5], [25, 20], [10, 20]]
holes = [[[15, 10], [18, 10], [18, 14], [15, 14]]]
base_m = -1.0
height_m = 9.0
[[object]]
name = "box"
material = "metal"
shape = "box"
center_m = [-15, -10, 2]
size_m = [6, 8, 6]
yaw_deg = 15
[[object]]
name = "sheet"
material = "own"
shape = "wall"
from_m = [-20, 20]
to_m = [5, 26]
height_m = 6
openings = [{ start_m = 2, end_m = 4, bottom_m = 1, top_m = 3 }]
[materials.own]
relative_permittivity = 4.0
conductivity_s_per_m = 0.01
thickness_m = 0.2
scattering_coefficient = 0.1
[[transmitter]]
name = "mast"
position_m = [0, 0, 12]
azimuth_deg = 30
downtilt_deg = 5
power_dbm = 40
[transmitter.antenna]
pattern = "tr38901"
[[transmitter]]
name = "pole"
position_m = [-25, 5, 5]
[receivers]
kind = "random"
count = 6
area = [-30, -30, 30, 30]
[solver]
max_depth = 2
rays = 2000
[radio_map]
cell_size_m = 20.0
height_m = 1.5
rays = 10000
[camera]
position_m = [-50, -50, 40]
look_at_m = [0, 0, 0]
"""

EDITS = """[[edit]]
kind = "move_object"
object = "brick_box"
by_m = [3.0, 0, 0]
yaw_deg = 10
[[edit]]
kind = "set_transmitter"
transmitter = "mast"
power_dbm = 30
azimuth_deg = 20
[[edit]]
kind = "add_object"
object = { name = "van", material = "metal", shape = "box", center_m = [5, 5, 1], \
size_m = [2, 5, 2] }
[[edit]]
kind = "remove_object"
object = "sheet"
[materials.own]
relative_permittivity = 3.0
conductivity_s_per_m = 0.1
"""

CAMPAIGN = """title = "Drive"
frequency_hz = 3.5e9
seed = 1
[measurements]
file = "points.csv"
quantity = "rss_dbm"
value = "rss"
x = "x"
y = "y"
uncertainty_db = 2.0
noise_floor = -120
[validation]
block_m = 20.0
[fit]
parameters = ["relative_permittivity"]
[[transmitter]]
name = "mast"
x_m = 0
y_m = 0
height_m = 12
power_dbm = 44
"""

POINTS = "x,y,rss\n" + "".join(
    f"{-28 + 4 * (n % 15)},{-25 + 7 * (n // 15)},{-55.0 - n % 17 - 0.5 * (n // 15)}\n"
    for n in range(120)
)
NEWS = "tx,x_m,y_m,path_gain_db,uncertainty_db\n" + "".join(
    f"mast,{-28 + 9 * n},{20 - 5 * n},{-70 - n},2\n" for n in range(7)
)
TRACKS = "time_s,ue,x_m,y_m,z_m\n" + "".join(
    f"{t},{ue},{-20 + 3 * t + n},{10 - 2 * t},1.5\n" for t in range(5) for n, ue in enumerate("ab")
)
MATERIALS = """[materials.brick]
relative_permittivity = 4.5
conductivity_s_per_m = 0.02
thickness_m = 0.3
[materials.glass]
itu = "glass"
"""

OSM = """<?xml version="1.0" encoding="UTF-8"?>
<osm version="0.6"><bounds minlat="48.13" minlon="11.57" maxlat="48.132" maxlon="11.573"/>
<node id="1" lat="48.1301" lon="11.5701"/><node id="2" lat="48.1301" lon="11.5706"/>
<node id="3" lat="48.1305" lon="11.5706"/><node id="4" lat="48.1305" lon="11.5701"/>
<node id="5" lat="48.1310" lon="11.5710"/><node id="6" lat="48.1310" lon="11.5720"/>
<node id="7" lat="48.1302" lon="11.5702"/><node id="8" lat="48.1302" lon="11.5703"/>
<node id="9" lat="48.1303" lon="11.5703"/>
<way id="10"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/>
<tag k="building" v="house"/><tag k="height" v="12"/><tag k="roof:shape" v="gabled"/></way>
<way id="11"><nd ref="5"/><nd ref="6"/><tag k="highway" v="residential"/></way>
<way id="12"><nd ref="7"/><nd ref="8"/><nd ref="9"/><nd ref="7"/></way>
<relation id="20"><member type="way" ref="10" role="outer"/><member type="way" ref="12" \
role="inner"/><tag k="type" v="multipolygon"/><tag k="building" v="yes"/>
<tag k="building:levels" v="3"/></relation></osm>
"""


def geojson() -> dict[str, Any]:
    """Two houses and a street."""

    def ring(x: float, y: float, size: float) -> list[list[float]]:
        return [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]

    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": 1,
                "properties": {"building": "yes", "height": 9},
                "geometry": {"type": "Polygon", "coordinates": [ring(11.57, 48.13, 2e-4)]},
            },
            {
                "type": "Feature",
                "properties": {"building": "yes", "building:levels": "4"},
                "geometry": {
                    "type": "MultiPolygon",
                    "coordinates": [
                        [ring(11.571, 48.131, 4e-4), ring(11.5711, 48.1311, 1e-4)],
                    ],
                },
            },
            {
                "type": "Feature",
                "properties": {"highway": "footway"},
                "geometry": {
                    "type": "LineString",
                    "coordinates": [[11.569, 48.1299], [11.572, 48.1302]],
                },
            },
        ],
    }


def cityjson() -> dict[str, Any]:
    """A cube with a reference system and a transform."""
    faces = [[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
    corners = [
        [x, y, z] for z in (0, 8000) for x, y in ((0, 0), (9000, 0), (9000, 9000), (0, 9000))
    ]
    return {
        "type": "CityJSON",
        "version": "1.1",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
        "transform": {"scale": [0.001, 0.001, 0.001], "translate": [85000.0, 446000.0, 0.0]},
        "CityObjects": {
            "b1": {
                "type": "Building",
                "attributes": {"measuredHeight": 8.0},
                "geometry": [
                    {"type": "Solid", "lod": "1.2", "boundaries": [[[face] for face in faces]]}
                ],
            }
        },
        "vertices": corners,
    }


MITSUBA = """<scene version="2.1.0">
<bsdf type="itu-radio-material" id="brick"><string name="type" value="brick"/></bsdf>
<shape type="ply" id="mesh-house"><string name="filename" value="house.ply"/>
<ref id="brick" name="bsdf"/>
<transform name="to_world"><translate x="3" y="2" z="0"/><rotate z="1" angle="30"/></transform>
</shape></scene>
"""


def box_meshes() -> dict[str, bytes]:
    """A house and its ground in every mesh format."""
    import trimesh

    house = trimesh.creation.box((8, 10, 6))
    house.apply_translation((0, 0, 3))
    ground = trimesh.creation.box((60, 60, 1))
    ground.apply_translation((0, 0, -0.5))
    both = trimesh.util.concatenate([house, ground])
    found = {}
    for kind in ("obj", "ply", "stl", "off", "glb"):
        data = both.export(file_type=kind)
        found[kind] = data.encode() if isinstance(data, str) else bytes(data)
    text = both.export(file_type="ply", encoding="ascii")
    found["ascii.ply"] = text.encode() if isinstance(text, str) else bytes(text)
    return found


def as_text(data: Any) -> str:
    """JSON with line breaks, so that lines can be damaged."""
    return json.dumps(data, indent=1)
