import gantool_export


def test_the_public_face() -> None:
    assert gantool_export.__all__ == ["ExportError", "Exported", "export"]
    assert all(getattr(gantool_export, name).__doc__ for name in gantool_export.__all__)
