from sinks.highlights import Highlight
from sinks.mqtt.snapshots import Snapshots


def picture(jpeg=b"1", camera="gate", label="person"):
    box = (0.0, 0.0, 1.0, 1.0)
    return Highlight("id", camera, 1, label, 0.9, box, (64, 48), 1, ended=False, jpeg=jpeg)


def test_the_newest_of_each_camera_and_label_goes_at_most_every_so_often():
    snapshots = Snapshots(5.0)
    snapshots.put(picture(b"1"))
    assert [one.jpeg for one in snapshots.due(100.0)] == [b"1"]
    snapshots.put(picture(b"2"))
    snapshots.put(picture(b"3"))
    snapshots.put(picture(b"4", label="car"))
    assert [one.jpeg for one in snapshots.due(101.0)] == [b"4"]
    assert snapshots.due(104.9) == []
    assert [one.jpeg for one in snapshots.due(105.0)] == [b"3"]
    assert snapshots.due(200.0) == []
