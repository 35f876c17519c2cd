"""Run lengths, held against pycocotools."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from filmstrip.export.rle import Region, regions

masks = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=7),
    elements=st.integers(0, 3),
)


def as_coco(region: Region, shape: tuple[int, int]) -> dict:
    return coco_mask.frPyObjects({"size": list(shape), "counts": region.counts}, *shape)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@given(masks)
def test_pycocotools_decodes_each_region_to_its_pixels(ids):
    for region in regions(ids):
        assert (coco_mask.decode(as_coco(region, ids.shape)) == (ids == region.id)).all()


@given(masks)
def test_area_and_box_are_those_of_pycocotools(ids):
    for region in regions(ids):
        rle = as_coco(region, ids.shape)
        assert region.area == coco_mask.area(rle)
        assert list(region.xywh) == coco_mask.toBbox(rle).tolist()


@given(masks)
def test_there_is_a_region_for_each_id_that_occurs(ids):
    assert [region.id for region in regions(ids)] == np.unique(ids).tolist()


@pytest.mark.parametrize(
    ("ids", "counts"),
    [([[1]], [0, 1]), ([[0], [1]], [1, 1]), ([[1], [0]], [0, 1, 1]), ([[0, 1], [1, 0]], [1, 2, 1])],
)
def test_runs_go_down_the_columns_and_start_outside(ids, counts):
    assert next(r for r in regions(np.array(ids)) if r.id == 1).counts == counts


def test_large_ids_are_kept():
    [region] = regions(np.full((2, 2), 2**32 - 1, np.uint32))
    assert region == Region(id=2**32 - 1, counts=[0, 4], area=4, xywh=(0, 0, 2, 2))
